import { describe, expect, it } from '@jest/globals';
import { forgetGenesis, type GenesisMemory, rememberGenesis, Verifier } from './verify.ts';

function memory(): GenesisMemory & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

describe('checking in a browser', () => {
  it('genesis-changed: begins with the first genesis until the user accepts another', () => {
    const place = memory();
    rememberGenesis('one', place);
    rememberGenesis('one', place);
    expect(() => rememberGenesis('two', place)).toThrow('genesis two, not one');
    forgetGenesis(place);
    rememberGenesis('two', place);
    expect([...place.kept.values()]).toEqual(['two']);
  });

  it('refuses a document that is no genesis, and remembers nothing of it', async () => {
    const place = memory();
    const api = {
      get: () => Promise.reject(new Error('not asked')),
      text: () => Promise.resolve('{"name":"x"}'),
    };
    await expect(Verifier.open(api, place)).rejects.toThrow('the genesis is refused');
    expect(place.kept.size).toBe(0);
  });
});
