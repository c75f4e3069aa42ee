/**
 * The node's snapshots for whoever starts a node: a list, and the newest files as downloads that
 * can be resumed. A snapshot proves itself, so that nobody has to trust where it came from.
 * Path: the snapshot keeper's files → here.
 * Spec: docs/spec/11-node-api.md, docs/spec/12-snapshot.md.
 */
import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { snapshotsDto, type SnapshotsDto } from '@tanglemail/tangle/io/node-client/dto.ts';
import type { HttpResponse } from '@tanglemail/tangle/io/shell/http.ts';
import { resolve } from 'node:path';
import type { TangleNode } from '../node.ts';
import { newestSnapshot, snapshotToJson } from '../query/snapshot-source.ts';
import { Answers, AnswersBytes } from './openapi.ts';
import { ApiProblem } from './problem.ts';
import { NODE } from './tokens.ts';

/** The member of an Express response that streams a file: ranges, conditions, length. */
interface FileResponse extends HttpResponse {
  sendFile(path: string, options: object, done: (error?: Error) => void): void;
}

@ApiTags('snapshots')
@Controller('api/core/v1/snapshots')
export class SnapshotsController {
  readonly #node: TangleNode;

  constructor(@Inject(NODE) node: TangleNode) {
    this.#node = node;
  }

  @Get()
  @Answers('The snapshots that this node has', snapshotsDto)
  list(): SnapshotsDto {
    return { snapshots: this.#node.control.snapshots.files().map(snapshotToJson) };
  }

  @Get('full')
  @AnswersBytes('The newest full snapshot')
  async full(@Res() response: FileResponse): Promise<void> {
    await this.#send('full', response);
  }

  @Get('delta')
  @AnswersBytes('The newest delta snapshot, which stands on the newest full one')
  async delta(@Res() response: FileResponse): Promise<void> {
    await this.#send('delta', response);
  }

  async #send(kind: 'full' | 'delta', response: FileResponse): Promise<void> {
    if (!this.#node.config.api.snapshots) throw ApiProblem.of('snapshots-not-offered');
    const file = newestSnapshot(this.#node.control.snapshots.files(), kind);
    if (file === undefined) throw ApiProblem.of('not-found', `this node has no ${kind} snapshot`);
    const name = `${kind}-${file.targetIndex}.snapshot`;
    response
      .type('application/octet-stream')
      .set('ETag', `"${kind}-${file.baseIndex ?? 0}-${file.targetId}"`)
      .set('Content-Disposition', `attachment; filename="${name}"`);
    const options = { etag: false, lastModified: false, cacheControl: false, dotfiles: 'allow' };
    await new Promise<void>((done, fail) => {
      response.sendFile(resolve(file.path), options, (error) => {
        if (error === undefined || response.headersSent) done();
        else fail(error);
      });
    });
  }
}
