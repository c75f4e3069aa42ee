import { describe, expect, it } from '@jest/globals';
import { createLogger } from './log.ts';

describe('the log', () => {
  it('never holds a credential, wherever it stands in an object', () => {
    const lines: string[] = [];
    const logger = createLogger('debug', 'toy', { write: (line: string) => void lines.push(line) });
    const secret = 'Payment abcdef';
    logger.info({ authorization: secret }, 'one');
    logger.info({ headers: { authorization: secret } }, 'two');
    logger.warn(
      { req: { headers: { authorization: secret } }, keys: { secretKey: secret } },
      'three',
    );
    expect(lines).toHaveLength(3);
    expect(lines.join('')).not.toContain('abcdef');
    expect(lines.join('')).toContain('[redacted]');
  });
});
