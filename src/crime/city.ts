/**
 * Chicago as the generator knows it: police districts with about their middle, kinds of crime with about their share, places
 * and streets. Data only, rounded by hand: it looks like the city on a map and says nothing about it.
 */

export interface District {
  readonly number: number;
  /** How often, compared with the others. */
  readonly weight: number;
  readonly latitude: number;
  readonly longitude: number;
  readonly communityAreas: readonly [number, ...number[]];
  readonly wards: readonly [number, ...number[]];
}

export const districts: readonly [District, ...District[]] = [
  { number: 1, weight: 7, latitude: 41.868, longitude: -87.627, communityAreas: [32, 33], wards: [42, 4] },
  { number: 2, weight: 5, latitude: 41.806, longitude: -87.617, communityAreas: [38, 40, 41], wards: [3, 4, 20] },
  { number: 3, weight: 6, latitude: 41.77, longitude: -87.602, communityAreas: [42, 43, 69], wards: [5, 6, 20] },
  { number: 4, weight: 6, latitude: 41.728, longitude: -87.563, communityAreas: [46, 48, 45], wards: [7, 10, 8] },
  { number: 5, weight: 4, latitude: 41.692, longitude: -87.617, communityAreas: [49, 53, 50], wards: [9, 34] },
  { number: 6, weight: 7, latitude: 41.745, longitude: -87.64, communityAreas: [71, 44], wards: [21, 17, 6] },
  { number: 7, weight: 6, latitude: 41.777, longitude: -87.66, communityAreas: [67, 68], wards: [15, 16, 17] },
  { number: 8, weight: 7, latitude: 41.782, longitude: -87.712, communityAreas: [66, 65, 70], wards: [13, 18, 23] },
  { number: 9, weight: 5, latitude: 41.818, longitude: -87.662, communityAreas: [61, 60, 58], wards: [11, 12, 14] },
  { number: 10, weight: 5, latitude: 41.855, longitude: -87.712, communityAreas: [29, 30], wards: [24, 22] },
  { number: 11, weight: 7, latitude: 41.878, longitude: -87.718, communityAreas: [23, 26, 27], wards: [28, 37, 24] },
  { number: 12, weight: 7, latitude: 41.872, longitude: -87.664, communityAreas: [28, 31], wards: [27, 25, 2] },
  { number: 14, weight: 5, latitude: 41.917, longitude: -87.695, communityAreas: [22, 24], wards: [1, 32, 26] },
  { number: 15, weight: 4, latitude: 41.886, longitude: -87.762, communityAreas: [25], wards: [29, 37] },
  { number: 16, weight: 4, latitude: 41.962, longitude: -87.785, communityAreas: [10, 11, 15], wards: [38, 45, 41] },
  { number: 17, weight: 4, latitude: 41.957, longitude: -87.714, communityAreas: [14, 16, 21], wards: [33, 35, 39] },
  { number: 18, weight: 8, latitude: 41.901, longitude: -87.632, communityAreas: [8, 7], wards: [42, 2, 43] },
  { number: 19, weight: 6, latitude: 41.943, longitude: -87.655, communityAreas: [6, 5], wards: [44, 46, 47] },
  { number: 20, weight: 3, latitude: 41.98, longitude: -87.67, communityAreas: [3, 4, 77], wards: [40, 48] },
  { number: 22, weight: 3, latitude: 41.703, longitude: -87.668, communityAreas: [75, 72, 74], wards: [19, 34] },
  { number: 24, weight: 4, latitude: 42.006, longitude: -87.679, communityAreas: [1, 2], wards: [49, 50] },
  { number: 25, weight: 6, latitude: 41.919, longitude: -87.757, communityAreas: [19, 20, 25], wards: [30, 31, 36] },
];

/** Where the lake begins, from north to south: latitude and the easternmost longitude on land. */
export const shore: readonly (readonly [latitude: number, longitude: number])[] = [
  [42.023, -87.668],
  [41.98, -87.652],
  [41.95, -87.64],
  [41.91, -87.626],
  [41.885, -87.613],
  [41.85, -87.607],
  [41.8, -87.58],
  [41.76, -87.553],
  [41.72, -87.53],
  [41.64, -87.525],
];

export interface CrimeKind {
  readonly primaryType: string;
  readonly weight: number;
  /** Shares of one. */
  readonly arrested: number;
  readonly domestic: number;
  readonly forms: readonly [CrimeForm, ...CrimeForm[]];
}

export interface CrimeForm {
  readonly iucr: string;
  readonly fbiCode: string;
  readonly description: string;
}

function form(iucr: string, fbiCode: string, description: string): CrimeForm {
  return { iucr, fbiCode, description };
}

export const crimeKinds: readonly [CrimeKind, ...CrimeKind[]] = [
  {
    primaryType: "THEFT",
    weight: 22,
    arrested: 0.06,
    domestic: 0.02,
    forms: [
      form("0820", "06", "$500 AND UNDER"),
      form("0810", "06", "OVER $500"),
      form("0860", "06", "RETAIL THEFT"),
      form("0890", "06", "FROM BUILDING"),
    ],
  },
  {
    primaryType: "BATTERY",
    weight: 18,
    arrested: 0.15,
    domestic: 0.5,
    forms: [
      form("0486", "08B", "DOMESTIC BATTERY SIMPLE"),
      form("0460", "08B", "SIMPLE"),
      form("041A", "04B", "AGGRAVATED - HANDGUN"),
    ],
  },
  {
    primaryType: "CRIMINAL DAMAGE",
    weight: 11,
    arrested: 0.04,
    domestic: 0.12,
    forms: [form("1320", "14", "TO VEHICLE"), form("1310", "14", "TO PROPERTY")],
  },
  {
    primaryType: "MOTOR VEHICLE THEFT",
    weight: 9,
    arrested: 0.03,
    domestic: 0.01,
    forms: [form("0910", "07", "AUTOMOBILE"), form("0915", "07", "TRUCK, BUS, MOTOR HOME")],
  },
  {
    primaryType: "ASSAULT",
    weight: 9,
    arrested: 0.11,
    domestic: 0.25,
    forms: [form("0560", "08A", "SIMPLE"), form("051A", "04A", "AGGRAVATED - HANDGUN")],
  },
  {
    primaryType: "DECEPTIVE PRACTICE",
    weight: 6,
    arrested: 0.02,
    domestic: 0.01,
    forms: [form("1153", "11", "FINANCIAL IDENTITY THEFT OVER $ 300"), form("1150", "11", "CREDIT CARD FRAUD")],
  },
  {
    primaryType: "OTHER OFFENSE",
    weight: 6,
    arrested: 0.12,
    domestic: 0.35,
    forms: [form("2825", "26", "HARASSMENT BY TELEPHONE"), form("2826", "26", "HARASSMENT BY ELECTRONIC MEANS")],
  },
  {
    primaryType: "ROBBERY",
    weight: 4,
    arrested: 0.07,
    domestic: 0.01,
    forms: [form("0320", "03", "STRONG ARM - NO WEAPON"), form("031A", "03", "ARMED - HANDGUN")],
  },
  {
    primaryType: "WEAPONS VIOLATION",
    weight: 4,
    arrested: 0.6,
    domestic: 0.01,
    forms: [form("143A", "15", "UNLAWFUL POSSESSION - HANDGUN"), form("1477", "15", "RECKLESS FIREARM DISCHARGE")],
  },
  {
    primaryType: "BURGLARY",
    weight: 3,
    arrested: 0.06,
    domestic: 0.03,
    forms: [form("0610", "05", "FORCIBLE ENTRY"), form("0620", "05", "UNLAWFUL ENTRY")],
  },
  {
    primaryType: "NARCOTICS",
    weight: 3,
    arrested: 0.97,
    domestic: 0,
    forms: [form("2024", "18", "POSSESS - HEROIN (WHITE)"), form("2017", "18", "MANUFACTURE / DELIVER - CRACK")],
  },
  {
    primaryType: "CRIMINAL TRESPASS",
    weight: 2,
    arrested: 0.4,
    domestic: 0.05,
    forms: [form("1330", "26", "TO LAND"), form("1365", "26", "TO RESIDENCE")],
  },
];

export const locations: readonly [string, ...string[]] = [
  "STREET",
  "STREET",
  "STREET",
  "APARTMENT",
  "APARTMENT",
  "RESIDENCE",
  "SIDEWALK",
  "PARKING LOT / GARAGE (NON RESIDENTIAL)",
  "SMALL RETAIL STORE",
  "RESTAURANT",
  "ALLEY",
  "CTA PLATFORM",
  "SCHOOL, PUBLIC, GROUNDS",
  "VEHICLE NON-COMMERCIAL",
  "",
];

export const streets: readonly [string, ...string[]] = [
  "STATE ST",
  "HALSTED ST",
  "ASHLAND AVE",
  "WESTERN AVE",
  "PULASKI RD",
  "CICERO AVE",
  "MADISON ST",
  "NORTH AVE",
  "ROOSEVELT RD",
  "63RD ST",
  "79TH ST",
  "BELMONT AVE",
  "MILWAUKEE AVE",
  "DR MARTIN LUTHER KING JR DR",
];

/** How busy each hour of the day is, from midnight on. */
export const hourWeights: readonly number[] = [6, 4, 3, 2, 2, 2, 2, 3, 4, 5, 5, 5, 7, 5, 6, 6, 6, 7, 7, 7, 6, 6, 6, 5];
