/**
 * Names under which Nest hands the one node or faucet of a process to controllers.
 */
export const NODE = Symbol('node');
export const FAUCET = Symbol('faucet');
