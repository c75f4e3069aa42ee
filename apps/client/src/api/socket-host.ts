/**
 * What callers name as host on the local API's unix socket, which has neither name nor port. Apart
 * from access.ts, so that the command line loads nothing of the server.
 */
export const SOCKET_HOST = 'localhost';
