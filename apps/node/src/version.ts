/**
 * Name and version as the API and the command line tell them.
 */
export const NODE_NAME = 'tangle-node';
export const NODE_VERSION = '0.1.0';
