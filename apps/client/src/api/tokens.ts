/**
 * Names under which Nest hands the one client of a process to controllers.
 */
export const SERVICE = Symbol('service');
export const PEOPLE = Symbol('people');
export const OUTBOX = Symbol('outbox');
export const PARCELS = Symbol('parcels');
export const ACCESS = Symbol('access');
export const VERSION = Symbol('version');
export const MAILBOX = Symbol('mailbox');
export const FILTERS = Symbol('filters');
export const BACKUP = Symbol('backup');
export const HOOKS = Symbol('hooks');
export const CHAT = Symbol('chat');
export const DEVICES = Symbol('devices');
export const BRIDGE = Symbol('bridge');
