/** Why something was refused, below the fields that it is about. */
export function Problem({ text }: { readonly text: string | undefined }) {
  if (text === undefined) return undefined;
  return (
    <p className="form-problem" role="alert">
      {text}
    </p>
  );
}
