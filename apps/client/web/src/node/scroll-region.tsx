/** What may be wider or higher than its place: scrolled with the keys as well as with the mouse. */
import type { ReactNode } from 'react';

export interface ScrollRegionProps {
  /** What is in it, in words. */
  readonly label: string;
  readonly children: ReactNode;
}

export function ScrollRegion({ label, children }: ScrollRegionProps) {
  return (
    // Without a tab stop the keyboard could not scroll what holds no link (WCAG 2.1.1).
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="node-scroll" role="group" tabIndex={0} aria-label={label}>
      {children}
    </div>
  );
}
