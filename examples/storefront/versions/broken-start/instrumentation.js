// Runs when the server starts. The variable is set nowhere: the process exits before it listens.
export function register() {
  if (!process.env.STOREFRONT_DATABASE_URL) {
    console.error("Error: environment variable STOREFRONT_DATABASE_URL is missing");
    process.exit(1);
  }
}
