/**
 * The name under which Nest hands the one provider of a process to controllers.
 */
export const PROVIDER = Symbol('provider');
