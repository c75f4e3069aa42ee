/** A QR code. Dark on light in both themes: turned round, many readers do not find it. */
import { useMemo } from 'react';
import { qrPath } from './qr-path.ts';
import './qr-code.css';

export interface QrCodeProps {
  readonly text: string;
  /** What it holds, in words. */
  readonly label: string;
}

export function QrCode({ text, label }: QrCodeProps) {
  const { size, path } = useMemo(() => qrPath(text), [text]);
  return (
    <svg
      className="qr-code"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${size} ${size}`}
      shapeRendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
