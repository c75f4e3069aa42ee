/** Keeps the failure of one screen to that screen. */
import { Component, type ReactNode } from 'react';
import type { Words } from '../words/en.ts';

export interface GuardedProps {
  readonly words: Words['shell'];
  readonly children: ReactNode;
}

export class Guarded extends Component<GuardedProps, { readonly error: Error | undefined }> {
  override state: { readonly error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { words, children } = this.props;
    const { error } = this.state;
    if (error === undefined) return children;
    return (
      <div className="empty" role="alert">
        <p>
          {words.failed}: {error.message}
        </p>
        <button type="button" className="button" onClick={() => location.reload()}>
          {words.reload}
        </button>
      </div>
    );
  }
}
