/** Providers that take parts, but for all beside one of them none until the gate is opened. */
import { PartDesk } from '../../apps/storage-provider/src/parts/part-desk.ts';
import { refuseWith } from '../../apps/storage-provider/src/refused.ts';

export class PartGate {
  readonly #store: PartDesk['store'] = Reflect.get(PartDesk.prototype, 'store');
  readonly #rootsAt = new Map<PartDesk, Set<string>>();
  #isOpen = false;

  constructor() {
    const take = this.#take.bind(this);
    PartDesk.prototype.store = function gated(...part) {
      return take(this, part);
    };
  }

  async #take(desk: PartDesk, part: Parameters<PartDesk['store']>): Promise<void> {
    if (this.#rootsAt.size === 0) this.#rootsAt.set(desk, new Set());
    const roots = this.#rootsAt.get(desk) ?? new Set();
    if (!this.#isOpen && !this.#rootsAt.has(desk)) refuseWith('storage-full');
    await this.#store.apply(desk, part);
    this.#rootsAt.set(desk, roots.add(part[1]));
  }

  /** How many different parts each provider has taken, the one inside the gate first. */
  get counts(): number[] {
    return [...this.#rootsAt.values()].map(({ size }) => size);
  }

  open(): void {
    this.#isOpen = true;
  }

  /** Every provider is as it was. */
  remove(): void {
    PartDesk.prototype.store = this.#store;
  }
}
