// The module was never committed: the build fails.
export { goods } from "./catalogue";
