/**
 * `tanglemail` in a network whose validators bonds elect: two people who were away while others
 * were elected go on with what their stores know. Spec: docs/spec/05-light-client.md §3, §6.
 */
import { afterEach, expect, it } from '@jest/globals';
import { decodeCheckpoint } from '@tanglemail/tangle/core/codec/checkpoint.ts';
import { readAddress } from '@tanglemail/tangle/core/codec/wallet-address.ts';
import { networkKindOf } from '@tanglemail/tangle/core/params/networks.ts';
import { SYSTEM_CLOCK, SYSTEM_RANDOM } from '@tanglemail/tangle/io/system.ts';
import type { Client } from '../../apps/client/src/client.ts';
import { recallCheckpoint } from '../../apps/client/src/tangle/ledger-checkpoint.ts';
import {
  type Disk,
  memoryStore,
  sealedMemoryStore,
} from '../../apps/client/src/testing/memory-store.ts';
import { openWholeClient } from '../../apps/client/src/testing/whole-client.ts';
import { CommitteeNetwork, keyAt } from '../../apps/node/src/testing/committee-network.ts';
import { Purse } from '../../apps/node/src/testing/purse.ts';
import { RICH_KEY, TestNetwork, until } from '../../apps/node/src/testing/test-network.ts';

const WAIT_MS = 90_000;
const BOND = 1_000_000n;
const PARAMS = { epochLength: 20, validatorBondMin: BOND, heartbeatMs: 400 };
const FUNDS = 5_000_000n;
const PAID = 2_000_000n;
const ELECTED = [1, 2, 3, 4] as const;

interface Person {
  readonly seedByte: number;
  readonly disk: Disk;
}

const running = new Set<Client>();
const network = new TestNetwork();
const net = new CommitteeNetwork(network, { seats: 1, candidates: 4, params: PARAMS });

afterEach(async () => {
  for (const client of running) await client.stop();
  await network.closeAll();
});

async function wake(person: Person, place: number): Promise<Client> {
  const deps = { clock: SYSTEM_CLOCK, random: SYSTEM_RANDOM };
  const nodeUrl = net.at(place).api.url;
  const client = await openWholeClient({ ...person, nodeUrl, genesis: net.genesis }, deps);
  running.add(client);
  client.start();
  return client;
}

async function rest(client: Client): Promise<void> {
  running.delete(client);
  await client.stop();
}

/** What the store of a client that rests knows of the ledger. */
function checkpointOf({ disk }: Person) {
  const stored = recallCheckpoint(sealedMemoryStore(memoryStore(disk).store));
  const decoded = decodeCheckpoint(stored ?? new Uint8Array());
  if (!decoded.ok) throw new Error(decoded.code);
  return decoded.value;
}

const isPublished = async ({ service }: Client): Promise<boolean> =>
  (await service.status()).descriptor.state === 'confirmed';

const hasBalance = (client: Client, units: bigint) =>
  until(async () => (await client.service.wallet()).balance === `${units}`, WAIT_MS);

it('keeps money and mail over a change of committee', async () => {
  await net.start();
  const [ann, ben]: Person[] = [1, 2].map((seedByte) => ({ seedByte, disk: new Map() }));
  if (ann === undefined || ben === undefined) throw new Error('there are two');
  const [ann0, ben0] = [await wake(ann, 0), await wake(ben, 0)];
  const { address: bens } = await ben0.service.address();
  const { address: annsText } = await ann0.service.wallet();
  const anns = readAddress(annsText, networkKindOf(net.genesis.name));
  if (!anns.ok) throw new Error(anns.code);
  const bonds = ELECTED.map((place) => {
    const { publicKey } = keyAt(place);
    const owner = RICH_KEY.address;
    return { kind: 'validator-bond', amount: BOND, publicKey, owner, unbondAt: 0 } as const;
  });
  const funds = { kind: 'basic', amount: FUNDS, address: anns.value } as const;
  await new Purse(net.genesis).pay([net.at(0)], [funds, ...bonds]);
  await hasBalance(ann0, FUNDS);
  await until(async () => (await isPublished(ann0)) && (await isPublished(ben0)), WAIT_MS);
  await rest(ann0);
  await rest(ben0);
  expect(checkpointOf(ann)).toMatchObject({ epoch: 0, committee: net.genesis.committee });

  // Others make the milestones now, and the only one whom Ann's store knows is gone.
  await until(() => net.height > 2 * PARAMS.epochLength, WAIT_MS);
  await net.stop([0]);
  await net.goesOn(3);
  const ann1 = await wake(ann, 1);
  await hasBalance(ann1, FUNDS);
  const { address: other } = await ann1.service.wallet();
  const sent = await ann1.service.sendTokens({ to: other, amount: `${PAID}` });
  await until(async () => {
    const lines = await ann1.service.walletHistory({ limit: 10 });
    const line = lines.find(({ transactionId }) => transactionId === sent.transactionId);
    return line?.milestoneIndex !== undefined;
  }, WAIT_MS);
  await hasBalance(ann1, FUNDS);
  await rest(ann1);
  const known = checkpointOf(ann);
  expect(known.epoch).toBeGreaterThan(0);
  expect(known.committee).not.toEqual(net.genesis.committee);

  // Ben's keys were published in the first term, which this start of Ann's has not followed.
  const ann2 = await wake(ann, 2);
  await ann2.service.sendMessage({ to: [bens], subject: 'still there?', text: 'We are.' });
  await until(async () => {
    const [item] = await ann2.service.outbox({ limit: 1 });
    return item?.proofChecked === true;
  }, WAIT_MS);
  const ben1 = await wake(ben, 3);
  await until(async () => {
    const [mail] = await ben1.service.messages({ folder: 'Requests', limit: 5 });
    return mail?.subject === 'still there?';
  }, WAIT_MS);
}, 300_000);
