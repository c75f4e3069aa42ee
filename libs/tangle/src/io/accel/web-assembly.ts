/**
 * Compiling and starting the modules that `npm run build` makes of libs/tangle/wasm. On the path:
 * before pow-backend.ts and wasm-hasher.ts. Spec: docs/spec/01-block.md.
 */
import { readFile } from 'node:fs/promises';

/** A compiled WebAssembly module. */
export type WasmModule = object;

/** The memory that a module exports. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  /** By pages of 64 KiB; views of the old buffer are of no use afterwards. */
  grow(pages: number): number;
}

/** The part of WebAssembly used here; TypeScript declares it only in its library for browsers. */
interface WasmApi {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
}

const wasmApi = (globalThis as unknown as { WebAssembly: WasmApi }).WebAssembly;

/** Throws when the file is missing or no module. */
export async function compileWasm(url: URL): Promise<WasmModule> {
  return await wasmApi.compile(await readFile(url));
}

/** What a new instance exports; the caller knows the module's source. */
export function startWasm(module: WasmModule): unknown {
  return new wasmApi.Instance(module).exports;
}
