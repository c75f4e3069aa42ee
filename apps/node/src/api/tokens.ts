/**
 * Names under which Nest hands the one node, faucet or control of a process to controllers.
 */
export const NODE = Symbol('node');
export const FAUCET = Symbol('faucet');
export const CONTROL = Symbol('control');
