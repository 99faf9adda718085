/** @type {import("next").NextConfig} */
export default {
  // A server with just the modules it uses: what is deployed.
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  async redirects() {
    // Orders are for people who are known. Not permanent: 307, which browsers do not remember.
    return [{ source: "/orders", destination: "/auth/login", permanent: false }];
  },
};
