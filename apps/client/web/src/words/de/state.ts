/** What state says, in German. */
import type { Words } from '../en.ts';

export const state = {
  loading: 'Wird geladen',
  retry: 'Noch einmal versuchen',
  failed: 'Das konnte nicht geladen werden',
  copied: 'Kopiert.',
  notCopied: 'Der Browser erlaubt das Kopieren nicht. Text markieren und kopieren.',
  kept: 'Was vorher da war, bleibt zu sehen.',
} satisfies Words['state'];
