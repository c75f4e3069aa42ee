/**
 * The part of the configuration that a user is shown. Before: local-service.ts; after: config/.
 */
import type { ConfigurationDto } from '../api/configuration-dto.ts';
import type { ClientConfig } from '../config/schema.ts';

export function configurationView(config: ClientConfig): ConfigurationDto {
  const { mail, provider, send, receipts, pushFromProviders } = config;
  const { find, filterStrangers, autoFetchBytes } = mail;
  return {
    mail: { find, filterStrangers, autoFetchBytes },
    pushFromProviders,
    provider,
    send,
    receipts,
  };
}
