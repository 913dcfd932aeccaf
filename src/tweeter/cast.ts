/**
 * Who tweets and what about: the cast of the sample app, loudest first, and the sentences that a tweet is put together
 * from. Data only; tweet-generator.ts puts it together.
 */

export interface Speaker {
  readonly handle: string;
  /** What they come back to, in words that fit "…about X". */
  readonly topics: readonly [string, ...string[]];
  readonly tag: string;
}

/** Order is loudness: each speaks less than the one before. */
export const cast: readonly [Speaker, ...Speaker[]] = [
  { handle: "hamlet", topics: ["sleep", "my uncle", "skulls", "indecision", "the new king"], tag: "#elsinore" },
  { handle: "falstaff", topics: ["sack", "honour", "supper", "debts", "running away"], tag: "#eastcheap" },
  {
    handle: "macbeth",
    topics: ["forests that walk", "daggers", "tomorrow", "prophecies", "dinner guests"],
    tag: "#dunsinane",
  },
  { handle: "puck", topics: ["donkeys", "mortals", "mischief", "love potions", "midnight"], tag: "#athens" },
  { handle: "iago", topics: ["handkerchiefs", "promotions", "trust", "honest men", "rumours"], tag: "#venice" },
  {
    handle: "ladymacbeth",
    topics: ["laundry", "ambition", "stains", "house guests", "sleepwalking"],
    tag: "#inverness",
  },
  { handle: "romeo", topics: ["balconies", "moonlight", "Mondays without Juliet", "apothecaries"], tag: "#verona" },
  { handle: "juliet", topics: ["names", "larks", "cousins with swords", "balconies"], tag: "#verona" },
  { handle: "lear", topics: ["the weather", "daughters", "retirement", "storms", "gratitude"], tag: "#theheath" },
  { handle: "prospero", topics: ["books", "islands", "spirits on contract", "tempests"], tag: "#theisland" },
  { handle: "beatrice", topics: ["Benedick's beard", "marriage", "wit", "masked balls"], tag: "#messina" },
  { handle: "benedick", topics: ["Beatrice's tongue", "bachelors", "sonnets", "hiding in hedges"], tag: "#messina" },
  { handle: "rosalind", topics: ["poems on trees", "disguises", "exile", "good advice"], tag: "#arden" },
  { handle: "henryv", topics: ["breaches", "brothers", "tennis balls", "St Crispin"], tag: "#agincourt" },
  { handle: "portia", topics: ["caskets", "mercy", "small print", "suitors"], tag: "#belmont" },
  { handle: "shylock", topics: ["contracts", "interest", "justice", "fair dealing"], tag: "#rialto" },
  { handle: "othello", topics: ["patience", "storms at sea", "lieutenants", "strawberries on linen"], tag: "#cyprus" },
  { handle: "ophelia", topics: ["herbs", "rivers", "princes", "remembering"], tag: "#elsinore" },
  { handle: "mercutio", topics: ["both houses", "fairies", "puns", "Thursday's duel"], tag: "#verona" },
  { handle: "richardiii", topics: ["horses", "the weather of discontent", "nephews", "campaigns"], tag: "#bosworth" },
  { handle: "viola", topics: ["shipwrecks", "twins", "trousers", "dukes"], tag: "#illyria" },
  { handle: "malvolio", topics: ["yellow stockings", "greatness", "noise after ten", "handwriting"], tag: "#illyria" },
  { handle: "titania", topics: ["ears", "bad weather", "husbands", "lullabies"], tag: "#athens" },
  { handle: "bottom", topics: ["hay", "acting", "playing every part", "the moon"], tag: "#athens" },
  { handle: "caesar", topics: ["soothsayers", "March", "lean men", "crowns"], tag: "#rome" },
  { handle: "brutus", topics: ["friendship", "Rome", "sleepless nights", "ghosts"], tag: "#rome" },
  { handle: "antony", topics: ["ears, on loan", "Egypt", "speeches", "wills"], tag: "#rome" },
  { handle: "cleopatra", topics: ["barges", "snakes", "Antony", "entrances"], tag: "#alexandria" },
  { handle: "polonius", topics: ["brevity", "tapestries", "borrowing", "sons abroad"], tag: "#elsinore" },
  { handle: "horatio", topics: ["philosophy", "night watches", "ghosts, again", "Wittenberg"], tag: "#elsinore" },
  { handle: "kate", topics: ["Petruchio", "hats", "the sun, or moon", "patience"], tag: "#padua" },
  { handle: "caliban", topics: ["noises", "firewood", "the island", "cursing"], tag: "#theisland" },
  { handle: "ariel", topics: ["freedom", "flying", "songs", "overtime"], tag: "#theisland" },
  { handle: "feste", topics: ["rain", "fools", "songs", "small coins"], tag: "#illyria" },
  { handle: "dogberry", topics: ["comparisons", "suspicious persons", "the watch"], tag: "#messina" },
  { handle: "hermione", topics: ["statues", "jealousy", "winter", "sixteen years"], tag: "#sicilia" },
  { handle: "autolycus", topics: ["ribbons", "purses", "ballads", "bears"], tag: "#bohemia" },
  { handle: "gravedigger", topics: ["bones", "overtime", "clay", "riddles"], tag: "#elsinore" },
  { handle: "thirdwitch", topics: ["toads", "recipes", "thunder", "meeting again"], tag: "#blastedheath" },
  { handle: "thebear", topics: ["exits", "pursuit", "lunch"], tag: "#bohemia" },
];

/** `{topic}`, `{tag}` and `{other}` (another speaker) are filled in. */
export const sentences: readonly [string, ...string[]] = [
  "I cannot stop thinking about {topic}. Send help, or wine. {tag}",
  "Once more: nobody in this court understands {topic}.",
  "{topic} again. Every morning, {topic} again. {tag}",
  "Dear @{other}, we need to talk about {topic}.",
  "Hot take: {topic} would be better in blank verse.",
  "Today's list: 1. rise 2. despair about {topic} 3. supper {tag}",
  "@{other} says I go on too much about {topic}. I have only begun.",
  "Is it just me, or is there more {topic} about than last act?",
  "A short thought on {topic}, in five acts. Act one: {tag}",
  "Overheard in the gallery: nothing but {topic}.",
  "What a night. {topic}, thunder, and @{other} at the door.",
  "They promised me {topic}. I see none. {tag}",
  "I would give half a kingdom for less {topic}.",
  "If {topic} be the question, I have notes. Many notes.",
  "Thank you all for asking about {topic}. Please stop asking. {tag}",
  "Could someone tell @{other} that {topic} is not a personality?",
  "Exit, thinking of {topic}.",
  "Five stars for {topic}. No stars for the company. {tag}",
  "Wherefore {topic}? Wrong answers only.",
  "In my defence, {topic} looked far better by candlelight.",
  "New soliloquy tonight: {topic}, and why it follows me. {tag}",
  "@{other} blocked me over {topic}. The rest is silence.",
  "Fortune sends me {topic}; I had ordered sunshine.",
  "Nothing good ever came of {topic}, said my nurse. She was right. {tag}",
];
