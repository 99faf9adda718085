// What all services share.
export { openDatabase } from "./database.js";
export { serve, Refusal } from "./server.js";
export { required, version } from "./settings.js";
