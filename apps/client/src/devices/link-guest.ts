/**
 * The new device's side of a link: says hello under the code, shows the number, takes the archive
 * and makes the account from it. Before: the command line; after: link-channel.ts,
 * account/install.ts. Spec: docs/spec/44-device-link.md.
 */
import type { Genesis } from '@tanglemail/tangle/core/codec/genesis.ts';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { loadGenesis } from '@tanglemail/tangle/core/milestone/genesis.ts';
import type { SealingSuite } from '@tanglemail/mail/core/ports.ts';
import {
  decodeLinkAnswer,
  encodeLinkHello,
  encodeLinkReveal,
  linkCommitment,
  linkSession,
  type LinkSession,
  linkTag,
  openLinkPart,
  parseLinkCode,
} from '@tanglemail/mail/core/link/protocol.ts';
import { type AccountFacts, accountFacts } from '../account/create.ts';
import { genesisIdOf } from '../account/genesis.ts';
import { installAccount, newFolder, newStorePath } from '../account/install.ts';
import { ClientError } from '../client-error.ts';
import type { AccountSecrets } from '../keystore/keystore.ts';
import { openSealedStore } from '../store/open-store.ts';
import type { TangleAccess } from '../tangle/tangle-access.ts';
import { type LinkArchive, putLinkArchive, readLinkArchive } from './link-archive.ts';
import { LinkChannel, type LinkChannelDeps } from './link-channel.ts';
import { deviceName } from './own-device.ts';

export interface JoinOptions {
  readonly code: string;
  readonly name: string;
  readonly dataDir: string;
  readonly nodeUrl: string;
  readonly passphrase: string;
  readonly genesis: Genesis;
}

export interface JoinDeps {
  readonly tangle: LinkChannelDeps['tangle'] & Pick<TangleAccess, 'random' | 'networkId'>;
  readonly suite: SealingSuite;
  readonly signal: AbortSignal;
  /** Shows the number that the old device shows, too. */
  readonly showNumber: (number: string) => void;
  readonly pollMs?: number;
}

/**
 * Joins the account of the device that gave the code. Throws ClientError `account-exists`,
 * `link-invalid`, `genesis-invalid`, `backup-invalid`, and the signal's reason.
 */
export async function joinAccount(options: JoinOptions, deps: JoinDeps): Promise<AccountFacts> {
  const key = parseLinkCode(options.code);
  if (!key.ok) throw new ClientError('link-invalid', 'the code of a device');
  const folder = await newFolder(options.dataDir);
  const archive = await receiveArchive(key.value, options.name, deps);
  const genesis = sameGenesis(archive, options.genesis);
  const { random, networkId } = deps.tangle;
  const secrets: AccountSecrets = {
    ...archive.secrets,
    storeKey: bytesToHex(random.bytes(32)),
  };
  const path = await newStorePath(folder, random);
  const store = await openSealedStore(path, { storeKey: secrets.storeKey, networkId }, random);
  try {
    const batch = store.batch();
    putLinkArchive(batch, store, archive, deviceName(options.name));
    await batch.write();
  } finally {
    await store.close();
  }
  const settings = { ...archive.settings, node: { url: options.nodeUrl } };
  const { passphrase } = options;
  const made = { secrets, passphrase, store: path, genesis, settings };
  await installAccount(folder, made, async () => {});
  return accountFacts(secrets, genesis, folder.path);
}

/**
 * Meets the device that gave the code of this key and takes what it sends. Throws ClientError
 * `link-number-wrong`, `backup-invalid`, and the signal's reason.
 */
export async function receiveArchive(
  key: Uint8Array,
  name: string,
  deps: JoinDeps,
): Promise<LinkArchive> {
  const session = await meet(key, name, deps);
  deps.showNumber(session.number);
  return readLinkArchive(await fetchArchive(key, session, deps));
}

async function meet(key: Uint8Array, deviceText: string, deps: JoinDeps): Promise<LinkSession> {
  const { tangle, suite, signal } = deps;
  const channel = new LinkChannel(key, deps);
  const secretKey = tangle.random.bytes(32);
  const own = { secretKey, publicKey: suite.x25519PublicKey(secretKey) };
  const reveal = { publicKey: own.publicKey, salt: tangle.random.bytes(32) };
  const name = new TextEncoder().encode(deviceName(deviceText));
  const hello = { commitment: linkCommitment(reveal), name };
  await channel.say('hello', encodeLinkHello(hello), signal);
  const read = (content: Uint8Array): Uint8Array | undefined => {
    const answer = decodeLinkAnswer(content);
    return answer.ok ? answer.value : undefined;
  };
  const hostKey = await channel.hear('answer', read, signal);
  const keys = { guestKey: own.publicKey, hostKey, linkKey: key };
  const session = linkSession(own, keys, suite);
  if (!session.ok) throw new ClientError('link-number-wrong');
  await channel.say('reveal', encodeLinkReveal(reveal), signal);
  return session.value;
}

async function fetchArchive(
  key: Uint8Array,
  session: LinkSession,
  deps: JoinDeps,
): Promise<Uint8Array> {
  const channel = new LinkChannel(key, deps);
  const parts: Uint8Array[] = [];
  for (let index = 0; ; index++) {
    const open = (data: Uint8Array) => openLinkPart(session.key, index, data, deps.suite);
    const part = await channel.wait(linkTag(key, 'archive', index), open, deps.signal);
    parts.push(part.plain);
    if (part.isLast) return new Uint8Array(Buffer.concat(parts));
  }
}

/** The new device trusts what the old one trusts; a node of another network is refused. */
function sameGenesis({ genesis }: LinkArchive, seen: Genesis): Genesis {
  const loaded = loadGenesis(genesis);
  if (!loaded.ok) throw new ClientError('backup-invalid', 'its genesis');
  if (genesisIdOf(loaded.value) !== genesisIdOf(seen)) {
    throw new ClientError('genesis-invalid', 'the node belongs to another network');
  }
  return loaded.value;
}
