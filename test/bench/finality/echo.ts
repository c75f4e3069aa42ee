/** The other process of a bare hop: sends back whatever comes. Started by limits.ts. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

const server = createServer((socket) => {
  socket.setNoDelay(true).pipe(socket);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.((server.address() as AddressInfo).port);
process.on('disconnect', () => process.exit());
