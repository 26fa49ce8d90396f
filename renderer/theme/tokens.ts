/**
 * The palette. Colour means state, everything else is ink on paper; green is Saved and nothing else. Contrast and
 * distance between states were computed for every background that is named here, so change them together.
 */
interface Tokens {
  readonly page: string;
  readonly nav: string;
  readonly panel: string;
  readonly raised: string;
  readonly track: string;
  readonly sel: string;
  readonly hover: string;
  readonly line: string;
  readonly 'line-strong': string;
  readonly ctl: string;
  readonly ink: string;
  readonly 'ink-2': string;
  readonly 'ink-3': string;
  readonly 'on-ink': string;
  readonly knock: string;
  readonly saved: string;
  readonly stored: string;
  readonly uploading: string;
  readonly filling: string;
  readonly waiting: string;
  readonly failed: string;
  readonly 'saved-tint': string;
  readonly 'failed-tint': string;
  readonly 'uploading-tint': string;
  readonly need: string;
  readonly 'need-fill': string;
  readonly 'need-tint': string;
}

export const lightTokens: Tokens = {
  page: '#FFFFFF',
  nav: '#F6F7F9',
  panel: '#FFFFFF',
  raised: '#FFFFFF',
  track: '#ECEEF2',
  sel: '#E8EAEF',
  hover: '#F3F4F7',
  line: '#E4E7EC',
  'line-strong': '#CDD2DA',
  ctl: '#858C98',
  ink: '#14181F',
  'ink-2': '#4A515D',
  'ink-3': '#626A77',
  'on-ink': '#FFFFFF',
  knock: '#FFFFFF',
  saved: '#0B7A57',
  stored: '#1E2F7A',
  uploading: '#0B86F2',
  filling: '#83509B',
  waiting: '#7F8590',
  failed: '#BC2310',
  'saved-tint': '#E9F5EF',
  'failed-tint': '#FCEDEA',
  'uploading-tint': '#E6F2FE',
  need: '#8A5200',
  'need-fill': '#B46A00',
  'need-tint': '#FBF1DF',
};

export const darkTokens: Tokens = {
  page: '#15191E',
  nav: '#101317',
  panel: '#1A1F25',
  raised: '#232830',
  track: '#272D36',
  sel: '#252B33',
  hover: '#1F242B',
  line: '#2A3039',
  'line-strong': '#3D4551',
  ctl: '#737B88',
  ink: '#E9ECF1',
  'ink-2': '#B3BAC6',
  'ink-3': '#8F97A4',
  'on-ink': '#14181F',
  knock: '#0D1013',
  saved: '#37B383',
  stored: '#B9C8FF',
  uploading: '#2C90FA',
  filling: '#B06FB8',
  waiting: '#868C96',
  failed: '#FB6250',
  'saved-tint': '#15291F',
  'failed-tint': '#331A16',
  'uploading-tint': '#14283D',
  need: '#F2B84B',
  'need-fill': '#E0A030',
  'need-tint': '#2D2413',
};
