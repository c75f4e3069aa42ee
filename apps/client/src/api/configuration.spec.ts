import { describe, expect, it } from '@jest/globals';
import { SILENT_LOGGER } from '@tanglemail/tangle/io/logger.ts';
import { configOf } from '../config/schema.ts';
import { configurationView } from '../service/configuration-view.ts';
import { MemoryClient } from '../testing/memory-client.ts';
import { configurationDto } from './configuration-dto.ts';
import { createApi } from './create-api.ts';
import { API_PREFIX } from './dto.ts';

describe('configuration', () => {
  it('is shown as it was chosen, and only what the user is told of', () => {
    const config = configOf({
      passphraseFile: '/somewhere/passphrase',
      mail: { find: ['filters'], filterNodes: ['http://127.0.0.1:9'] },
      provider: { deposit: '7000000' },
      receipts: { read: true, delaySeconds: 60 },
    });
    const shown = configurationView(config);
    expect(configurationDto.strict().parse(shown)).toEqual(shown);
    expect(shown.mail.find).toEqual(['filters']);
    expect(shown.provider.deposit).toBe('7000000');
    expect(shown.receipts).toEqual({
      ask: true,
      delivery: 'contacts',
      read: true,
      delaySeconds: 60,
    });
    expect(JSON.stringify(shown)).not.toContain('passphrase');
  });

  it('is answered to whoever has the token', async () => {
    const token = 'a'.repeat(43);
    const options = { host: '127.0.0.1', port: 0, token, version: '0.1.0' } as const;
    const api = await createApi(
      { local: new MemoryClient() },
      { ...options, logger: SILENT_LOGGER },
    );
    try {
      const url = `${api.url}${API_PREFIX}/configuration`;
      expect((await fetch(url)).status).toBe(401);
      const response = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
      expect(configurationDto.parse(await response.json())).toEqual(
        configurationView(configOf({})),
      );
    } finally {
      await api.close();
    }
  });
});
