/** A QR code as a picture: dark on white in every theme, since many readers need it so. */
import { qrPathOf } from './qr-path.ts';
import './qr-code.css';

export interface QrCodeProps {
  readonly text: string;
  /** What it holds, in words. */
  readonly label: string;
}

export function QrCode({ text, label }: QrCodeProps) {
  const code = qrPathOf(text);
  if (code === undefined) return undefined;
  return (
    <svg
      className="qr-code"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${code.size} ${code.size}`}
    >
      <path d={`M0 0h${code.size}v${code.size}h-${code.size}z`} fill="#fff" />
      <path d={code.path} fill="#000" shapeRendering="crispEdges" />
    </svg>
  );
}
