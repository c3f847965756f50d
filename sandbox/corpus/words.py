"""Names and addresses by the thousand, composed rather than listed, with the skew real names have."""

from random import Random

from sandbox import names

_STARTS = [
    "b",
    "br",
    "c",
    "ch",
    "cl",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "qu",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "io"]
_ENDS = ("", "n", "r", "s", "x", "l", "m", "nt", "rd", "ck", "th", "va", "ra", "tis", "lon")

TRADES = (
    *names.COMPANY_SECOND, "Technologies", "Solutions", "Systems", "Consulting", "Services", "Partners",
    "Labs", "Industries", "Engineering", "International", "Holdings", "Ventures", "Trading", "Construction",
    "Marketing", "Manufacturing", "Properties", "Transport", "Travel", "Studios",
)  # fmt: skip
SHORT_TRADES = {
    "Technologies": "Tech", "Solutions": "Sol.", "Systems": "Sys", "International": "Intl",
    "Services": "Svcs", "Industries": "Ind.", "Engineering": "Eng.", "Manufacturing": "Mfg",
    "Logistics": "Log.", "Insurance": "Ins.", "Analytics": "Analyt.",
    "Construction": "Constr.", "Consulting": "Cons.", "Partners": "Ptnrs",
}  # fmt: skip
DIVISIONS = ("Labs", "Capital", "Health", "Digital", "Energy", "Services")
NICKNAMES = {
    "Robert": "Bob", "William": "Bill", "Michael": "Mike", "Elizabeth": "Liz", "Katherine": "Kate",
    "Alexander": "Alex", "Thomas": "Tom", "Daniel": "Dan", "Samuel": "Sam", "Benjamin": "Ben",
    "Christopher": "Chris", "Jennifer": "Jen", "Margaret": "Maggie", "Susan": "Sue", "Antonio": "Toni",
    "Matthew": "Matt", "Nicholas": "Nick", "Joseph": "Joe", "Patricia": "Pat", "Edward": "Ed",
}  # fmt: skip
LEGAL_FORMS = {
    "US": ("Inc.", "LLC", "Corp.", "Incorporated", "Inc"), "CA": ("Ltd.", "Inc."), "BR": ("Ltda.", "S.A."),
    "DE": ("GmbH", "AG", "GmbH & Co. KG"), "GB": ("Ltd", "Limited", "PLC"), "FR": ("SAS", "SARL", "S.A."),
    "NL": ("B.V.", "BV"), "ES": ("S.L.", "S.A."), "AU": ("Pty Ltd", "Pty. Limited"),
    "SG": ("Pte. Ltd.", "Pte Ltd"), "JP": ("K.K.", "Co., Ltd."),
}  # fmt: skip
ROADS = {"Street": "St.", "Road": "Rd", "Avenue": "Ave.", "Lane": "Ln", "Drive": "Dr.", "Way": "Way"}


def stem(rng: Random) -> str:
    """A word of two or three syllables that no dictionary has."""
    parts = "".join(rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.choice((1, 2, 2))))
    return (parts + rng.choice(_ENDS)).title()


class Skewed:
    """Draws from a list in which the first words are by far the most frequent."""

    def __init__(self, words: list[str], skew: float) -> None:
        self.words = words
        self.skew = skew

    def draw(self, rng: Random) -> str:
        return self.words[int(len(self.words) * rng.random() ** self.skew)]


class Vocabulary:
    """The words one corpus takes its names from."""

    def __init__(self, rng: Random, companies: int) -> None:
        brands = sorted({stem(rng) for _ in range(200 + companies // 6)})
        rng.shuffle(brands)
        self.brands = Skewed(brands, 1.6)
        families = list(names.FAMILY) + sorted({stem(rng) for _ in range(400 + companies // 8)})
        self.families = Skewed(families, 2.2)
        given = [*NICKNAMES, *names.GIVEN, *sorted({stem(rng) for _ in range(300)})]
        self.given = Skewed(given, 1.8)
        self.towns = {
            c: list(towns) + [f"{stem(rng)}ton" for _ in range(25)] for c, towns in names.CITIES.items()
        }
        self.roads = [stem(rng) for _ in range(900)]
