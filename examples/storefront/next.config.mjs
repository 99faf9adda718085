import { version } from "./app/version.js";

/** @type {import("next").NextConfig} */
export default {
  // A server with just the modules it uses: what is deployed.
  output: "standalone",
  outputFileTracingRoot: import.meta.dirname,
  poweredByHeader: false,
  // Every answer tells which version gave it.
  async headers() {
    return [{ source: "/:path*", headers: [{ key: "x-version", value: version }] }];
  },
  async redirects() {
    // Orders are for people who are known. Not permanent: 307, which browsers do not remember.
    return [{ source: "/orders", destination: "/auth/login", permanent: false }];
  },
};
