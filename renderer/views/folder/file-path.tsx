/** Folder part in grey, the name in ink; the folder part gives way first. */
export function FilePath({ path }: { path: string }) {
  const slash = path.lastIndexOf('/');
  return (
    <span className="file-path" title={path}>
      {slash >= 0 && <span className="path-folder">{path.slice(0, slash + 1)}</span>}
      <span className="path-name">{path.slice(slash + 1)}</span>
    </span>
  );
}
