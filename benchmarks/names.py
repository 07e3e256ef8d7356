"""What people are called: a few names are frequent, most are rare, as Zipf's law has it."""

from dataclasses import dataclass
from itertools import accumulate, product

from domain.base.texts import folded
from domain.customers.rules.search import profile_terms

FLATNESS = 5
"""The r-th name is as frequent as 1 / (r + FLATNESS): of a million some 40,000 are called as the most frequent."""

_FREQUENT_GIVEN = """
Maria Anna Giuseppe Antonio Giovanni Francesco Mario Luigi Rosa Angela Giuseppina Marco Andrea Laura
Paolo Giulia Sara Chiara Francesca Elena José Zoë François Jürgen Björn Søren Łukasz Siân Noël Renée Martina Lorenzo
Matteo Alessandro Alessandra Davide Daniele Daniela Valentina Federica Federico Simona Simone Roberto Roberta Stefano
Stefania Claudia Claudio Silvia Cristina Barbara Elisa Elisabetta Patrizia Paola Lucia Teresa Caterina Rita Marta Mara
Marie Marina Mariana Marianna Marisa Maddalena Bruno Bruna Carlo Carla Sergio Giorgio Giorgia Vincenzo Salvatore Pietro
Emma Oliver Jack Harry George Noah Leo Arthur Oscar Freya Isla Ivy Lily Grace Thomas William Edward Charlotte Sophie
Alice Hannah Lukas Finn Jonas Paul Mia Lena Greta Ida Anke Uwe Heike Ralf Petra Pierre Claire Louis Camille Hugo Inès
Juan Luis Carmen Pilar Javier Lucía Sofía Nuria Ana Inês João Tiago Beatriz Jan Piotr Anna-Maria Katarzyna Ewa Ondřej
Eszter László Zsófia Ioana Andrei Elif Mehmet Ayşe Nikos Eleni Ahmed Fatima Omar Leila Wei Li Yan Hiroshi Yuki Aarav
Priya Rahul Nguyen Linh Kofi Ama Chinedu Zawadi"""
_GIVEN_SYLLABLES = (
    "Al Be Ca Da El Fa Ga He Il Jo Ka Lo Mi Na Or Pe Ri Sa Ti Va",
    "bi da ela gar lian mo nis ra ro ta ven zo",
)

_FREQUENT_FAMILY = """
Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti DeLuca Costa
Smith Jones Taylor Brown Williams Wilson Johnson Davies Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Rosso
Martin Bernard Dubois Durand García Fernández González Rodríguez López Martínez Novák Kowalski Nagy Popescu Yılmaz
Rosi Russi Rosini Rossini Bianco Bianchini O'Brien Müller-Lüdenscheidt D'Angelo van-Dyk"""
_FAMILY_SYLLABLES = (
    """Bar Ben Bol Bra Cal Can Cas Cor Dal Dor Fab Fal Fer Fon Gal Gar Gen Gri Lan Lom Mal Man Mar Mas Mel Mon Mor Nar
    Nol Pal Pan Par Pel Pol Rab Ram Ren Rin Rom Sal San Sar Ser Sil Sol Tar Tas Ter Tor Val Ven Ver Vis Zan Zor""",
    "a bel cen dan e fi gan ger i lan len mi ner o pin ri ro san tar tel ti u van zi",
    "ato chi elli etti ieri ini otto oni ucci uzzi",
)


@dataclass(frozen=True, slots=True)
class Name:
    """A name as it is written, as lists are ordered by it, and the words by which it is found."""

    written: str
    folded: str
    words: tuple[str, ...]

    def joined(self, other: "Name") -> "Name":
        """Return both names as one."""
        words = (*self.words, *other.words)
        return Name(f"{self.written} {other.written}", f"{self.folded} {other.folded}", words)


def _names(frequent: str, syllables: tuple[str, ...], count: int) -> list[Name]:
    """Return so many names, the most frequent first."""
    made = ["".join(parts) for parts in product(*(each.split() for each in syllables))]
    names = list(dict.fromkeys([*frequent.split(), *made[:: max(1, len(made) // count)]]))
    return [Name(name, folded(name), _words(name)) for name in names[:count]]


def _words(name: str) -> tuple[str, ...]:
    terms = profile_terms(given_name=name, family_name=None, emails=(), phones=(), identities=())
    return tuple(sorted(term for _, term in terms))


def _weights(count: int) -> list[float]:
    """Return the running sums by which `random.choices` chooses."""
    return list(accumulate(1 / (rank + FLATNESS) for rank in range(1, count + 1)))


GIVEN_NAMES = _names(_FREQUENT_GIVEN, _GIVEN_SYLLABLES, 400)
FAMILY_NAMES = _names(_FREQUENT_FAMILY, _FAMILY_SYLLABLES, 4_000)
GIVEN_WEIGHTS, FAMILY_WEIGHTS = _weights(len(GIVEN_NAMES)), _weights(len(FAMILY_NAMES))
