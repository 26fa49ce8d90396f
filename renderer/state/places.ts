import { type Place, placeSchema } from '../../src/contract/shell.ts';

export const FOLDER_TABS = ['files', 'blocks', 'history', 'rules'] as const;
export type FolderTab = (typeof FOLDER_TABS)[number];

/** A place as the fragment of the address, so that back and forward work. */
export function placeToHash(place: Place): string {
  if (place.view !== 'folder') {
    return `#/${place.view}`;
  }
  const search = place.search === '' ? '' : `?${new URLSearchParams({ search: place.search })}`;
  return `#/folder/${encodeURIComponent(place.folderId)}/${place.tab}${search}`;
}

/** The place that a fragment names; the overview for anything else. */
export function placeFromHash(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [view, folderId, tab] = path.split('/');
  const wanted =
    view === 'folder'
      ? {
          view,
          folderId: decodeURIComponent(folderId ?? ''),
          tab: tab === '' ? undefined : tab,
          search: new URLSearchParams(query).get('search') ?? '',
        }
      : { view };
  const parsed = placeSchema.safeParse(wanted);
  return parsed.success ? parsed.data : { view: 'overview' };
}

export const folderPlace = (folderId: string, tab: FolderTab = 'files', search = ''): Place => ({
  view: 'folder',
  folderId,
  tab,
  search,
});
