/**
 * A network of real node processes on 127.0.0.1, one of which validates: for attacks, soaks and
 * kill cycles. Nodes keep ports, keys and folder between their starts. After: small-market.ts.
 */
import { readFileSync } from 'node:fs';
import { bytesToHex } from '@tanglemail/tangle/core/codec/ids.ts';
import { loadPeerKey, peerKeyText } from '@tanglemail/tangle/io/libp2p/peer-key.ts';
import { NodeClient } from '@tanglemail/tangle/io/node-client/node-client.ts';
import { NotYet, until } from '../../../tools/devnet/poll.ts';
import { fundsOf, type Funds } from '../../attack/payloads.ts';
import { loadTarget, type Target } from '../../attack/target.ts';
import {
  flagsOf,
  freePorts,
  metricOf,
  nodeArgs,
  SmallNetwork,
  startVictim,
  type Ports,
  type Victim,
} from './small-market.ts';

export interface NodePlan {
  readonly name: string;
  readonly isValidator?: boolean;
  /** Multiaddrs of static peers, each with `/p2p/…`. */
  readonly peers?: readonly string[];
  /** More flags of the command line. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Arguments as they stand, such as a flag that is given twice. */
  readonly args?: readonly string[];
  /** Flags of Node.js itself. */
  readonly nodeFlags?: readonly string[];
}

/** One node of the network while its process runs. */
export interface PrivateNode extends Victim {
  readonly plan: NodePlan;
  readonly client: NodeClient;
  readonly dataDir: string;
}

export class PrivateNetwork {
  readonly network: SmallNetwork;
  readonly #ports = new Map<string, Ports>();
  readonly #running = new Map<string, PrivateNode>();

  private constructor(network: SmallNetwork) {
    this.network = network;
  }

  static async create(
    name: string,
    params: Readonly<Record<string, number>> = {},
  ): Promise<PrivateNetwork> {
    return new PrivateNetwork(await SmallNetwork.create(name, params));
  }

  /** The only tokens of the network. */
  get funds(): Funds {
    const text = readFileSync(this.network.at('rich.key'), 'utf8');
    return fundsOf((JSON.parse(text) as { secretKey: string }).secretKey);
  }

  /** The secret key of the only seat of the committee. */
  get seatKey(): Uint8Array {
    const text = readFileSync(this.network.at('validator.key'), 'utf8');
    return Buffer.from((JSON.parse(text) as { secretKey: string }).secretKey, 'hex');
  }

  /** Where a node of this name gossips, also before it runs. */
  async addressOf(name: string): Promise<string> {
    const { gossip } = await this.#portsOf(name);
    const peerId = peerKeyText(await loadPeerKey(this.network.at(`${name}.peer`)));
    return `/ip4/127.0.0.1/tcp/${gossip}/p2p/${peerId}`;
  }

  /** Starts a node, or starts it again where it stood. */
  async start(plan: NodePlan): Promise<PrivateNode> {
    const { name, isValidator = false, peers = [], flags = {}, nodeFlags = [] } = plan;
    const ports = await this.#portsOf(name);
    const dataDir = this.network.at(name);
    await this.addressOf(name);
    const args = nodeArgs(this.network, ports, dataDir);
    const seat = args.indexOf('--validator-key-file');
    if (!isValidator) args.splice(seat, 2);
    for (const peer of peers) args.push('--gossip-peers', peer);
    const own = { 'gossip-key-file': this.network.at(`${name}.peer`), ...flags };
    args.push(...flagsOf(own), ...(plan.args ?? []));
    const { network } = this;
    const victim = await startVictim(network, 'tangle-node', ports, args, { name, nodeFlags });
    const client = new NodeClient({ baseUrl: victim.url });
    const node = { ...victim, plan, client, dataDir };
    this.#running.set(name, node);
    return node;
  }

  /** What attacks need to know of these nodes. */
  async targetOf(...nodes: readonly PrivateNode[]): Promise<Target> {
    const urls = nodes.map(({ url }) => url);
    const peers = nodes.map(({ ports }) => `/ip4/127.0.0.1/tcp/${ports.gossip}`);
    return await loadTarget(urls, peers, this.network.at('genesis.json'));
  }

  /** Stops whatever runs and deletes the folder, unless `E2E_KEEP` is set. */
  async close(): Promise<void> {
    for (const { process } of this.#running.values()) {
      if (process.hasEnded) continue;
      globalThis.process.kill(process.pid, 'SIGCONT');
      await process.stop();
    }
    if (process.env['E2E_KEEP'] === undefined) await this.network.remove();
  }

  async #portsOf(name: string): Promise<Ports> {
    const ports = this.#ports.get(name) ?? (await freePorts());
    this.#ports.set(name, ports);
    return ports;
  }
}

export async function confirmedIndex({ client }: Pick<PrivateNode, 'client'>): Promise<number> {
  return (await client.info()).status.confirmedMilestone.index;
}

/** Resident memory in bytes. */
export async function rssOf(node: Victim): Promise<number> {
  return await metricOf(node, 'process_resident_memory_bytes');
}

/** Waits until a node has confirmed milestone `index`. */
export async function reach(node: PrivateNode, index: number, timeoutMs = 60_000): Promise<void> {
  await until(`${node.plan.name} confirms milestone ${index}`, timeoutMs, async () => {
    const at = await confirmedIndex(node);
    return at >= index ? true : new NotYet(`milestone ${at}`);
  });
}

/**
 * One milestone that all nodes have come to, as each of them holds it: state root, which it has
 * computed itself, and certificate included. Equal texts are equal ledgers.
 */
export async function milestonesOf(
  nodes: readonly PrivateNode[],
  timeoutMs = 60_000,
): Promise<{ index: number; texts: string[] }> {
  const index = Math.max(...(await Promise.all(nodes.map(confirmedIndex))));
  for (const node of nodes) await reach(node, index, timeoutMs);
  const texts = await Promise.all(nodes.map(({ client }) => client.milestone(index)));
  return { index, texts: texts.map(bytesToHex) };
}
