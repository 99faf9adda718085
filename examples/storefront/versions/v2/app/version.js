// What this version calls itself: baked into the build, told by the page and by /api/version.
export const version = "v2";
