/** Words that nobody wants suggested, however likely they are. */

/** Whether a word is never suggested. */
export function isUnwanted(word: string): boolean {
  return UNWANTED.test(word);
}

/** Insults and obscenities by their stems; a writer who means one can type it. */
const UNWANTED =
  /^(?:arse(?:hole)?s?|ass(?:es|holes?)|bastards?|bitch\w*|bollocks|bullshit|cocks?|cocksuck\w*|crap(?:py)?|cunts?|damn(?:ed)?|dick(?:head)?s?|dumbass|fag(?:got)?s?|fuck\w*|goddamn|jerk(?:off)?s?|moron(?:s|ic)?|motherfuck\w*|nigg\w+|piss(?:ed)?|porn\w*|prick|puss(?:y|ies)|rap(?:e[ds]?|ist|ing)|retard(?:s|ed)?|sex|shit\w*|sluts?|stupid|tits|twat|wank\w*|whores?)$/i;
