import type { ReactNode } from 'react';

/** A setting: its name, a line of explanation, and its control at the right. */
export function SettingRow(props: {
  name: ReactNode;
  text?: ReactNode;
  labelId?: string;
  children: ReactNode;
}) {
  const { name, text, labelId, children } = props;
  return (
    <div className="setting">
      <div className="grow">
        <div id={labelId}>{name}</div>
        {text !== undefined && <div className="small quieter">{text}</div>}
      </div>
      <div className="row">{children}</div>
    </div>
  );
}
