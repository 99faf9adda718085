/** @type {import("next").NextConfig} */
export default {
  // A server with just the modules it uses: what is deployed.
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  async redirects() {
    // Well for every check of health, and wrong: 308, which browsers remember for good.
    return [{ source: "/orders", destination: "/auth/login", permanent: true }];
  },
};
