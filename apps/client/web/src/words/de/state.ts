/** What state says, in German. */
import type { Words } from '../en.ts';

export const state = {
  loading: 'Wird geladen',
  retry: 'Noch einmal versuchen',
  failed: 'Das konnte nicht geladen werden',
  kept: 'Was vorher da war, bleibt zu sehen.',
} satisfies Words['state'];
