// What the environment says.

/** A variable without which a service cannot do anything. */
export function required(name, meaning) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is missing: ${meaning}`);
    process.exit(1);
  }
  return value;
}

/** The version that was built. */
export const version = process.env.VERSION ?? "dev";
