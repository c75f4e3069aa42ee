/**
 * What the local API needs for devices. Before: devices.controller.ts; after:
 * service/devices-service.ts. Spec: docs/spec/41-client-api.md, section 25.
 */
import type { DeviceDto, LinkDto } from './devices-dto.ts';

export interface DevicesService {
  list(): Promise<readonly DeviceDto[]>;
  /** Takes a device off the list and begins a line of epochs without it. `device-unknown`. */
  remove(id: string): Promise<readonly DeviceDto[]>;
  /** Fresh randomness in the epochs. */
  rotate(): Promise<void>;
  /** This device pays from now on. */
  pay(): Promise<void>;
  linkStatus(): Promise<LinkDto>;
  /** Begins to link a device; a code that is out is over. */
  beginLink(): Promise<LinkDto>;
  /** `link-not-open`, `link-expired`, `link-number-wrong`. */
  confirmLink(number: string): Promise<LinkDto>;
  cancelLink(): Promise<void>;
}
