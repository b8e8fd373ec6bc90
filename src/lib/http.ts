/**
 * Of `node:http` what is used here. An `import` reads every name that the module has, and one of them loads Node's fetch:
 * 5 MB, and a tenth of what a start takes.
 */
export const { createServer, request, STATUS_CODES } = process.getBuiltinModule("node:http");
