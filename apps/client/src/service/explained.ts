/**
 * Runs work of the parts and turns what they throw into the client's own errors, each with advice.
 * Before: local-service.ts; after: explain-error.ts.
 */
import { ClientError } from '../client-error.ts';
import { toClientError } from '../explain-error.ts';

/** The result of `work`; throws ClientError only. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toClientError(error) ?? new ClientError('internal', undefined, { cause: error });
  }
}
