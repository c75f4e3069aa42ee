/** A process that opens the votes of a folder and keeps them until it is killed. */
import { openVoteDisk } from '../vote-disk.ts';

const [, , folder = ''] = process.argv;
await openVoteDisk(folder, 7n);
process.stdout.write('open\n');
setInterval(() => undefined, 60_000);
