/** Answers of the daemon that are no success. Spec: docs/spec/41-client-api.md, "Errors". */
import type { ProblemDto } from '../../../src/api/dto.ts';

/** What a call fails with. `code` is one of the API's, or `unreachable` where nobody answered. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly status: number;
  readonly detail: string | undefined;

  constructor(code: string, status: number, title: string, detail?: string) {
    super(detail === undefined ? title : `${title}: ${detail}`);
    this.name = 'ApiProblem';
    this.code = code;
    this.status = status;
    this.detail = detail;
  }
}

/** The problem body of an answer, or the best that can be said of one without. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const body = (await response.json().catch(() => ({}))) as Partial<ProblemDto>;
  const { code = 'internal', title = response.statusText, detail } = body;
  return new ApiProblem(code, response.status, title, detail);
}
