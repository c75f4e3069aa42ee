/** Every command that the server knows, by name. */
import type { ImapCommand } from '../session/session.ts';
import { append } from './append.ts';
import { authenticate } from './authenticate.ts';
import { capability } from './capability.ts';
import { close, unselect } from './close.ts';
import { compress } from './compress.ts';
import { copy, move } from './copy.ts';
import { create } from './create.ts';
import { deleteFolder } from './delete.ts';
import { enable } from './enable.ts';
import { expunge } from './expunge.ts';
import { fetch } from './fetch.ts';
import { id } from './id.ts';
import { idle } from './idle.ts';
import { list, lsub } from './list.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { namespace } from './namespace.ts';
import { check, noop } from './noop.ts';
import { getQuota, getQuotaRoot } from './quota.ts';
import { rename } from './rename.ts';
import { search } from './search.ts';
import { examine, select } from './select.ts';
import { sort, thread } from './sort.ts';
import { starttls } from './starttls.ts';
import { status } from './status.ts';
import { store } from './store.ts';
import { subscribe, unsubscribe } from './subscribe.ts';

const ALL = [
  [append, authenticate, capability, check, close, compress, copy, create, deleteFolder, enable],
  [examine, expunge, fetch, getQuota, getQuotaRoot, id, idle, list, login, logout, lsub, move],
  [namespace, noop, rename, search, select, starttls, status, store, subscribe, unselect],
  [sort, thread, unsubscribe],
].flat() as readonly ImapCommand[];

export const COMMANDS: ReadonlyMap<string, ImapCommand> = new Map(
  ALL.map((command) => [command.name, command]),
);
