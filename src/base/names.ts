/**
 * Names for containers that were given none: an adjective and the surname of somebody who advanced
 * science or engineering, as Docker's users are used to.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const ADJECTIVES = words(`
  able agile alert amber ample ardent astute awake balmy bold brave breezy bright brisk calm candid careful cheerful
  clear clever cosmic cosy crisp curious daring dapper deft diligent dreamy eager earnest easy electric elegant fair
  famous fearless festive fluent fond frank fresh friendly gallant gentle gifted glad gleaming golden graceful grand
  happy hardy hearty helpful honest hopeful humble inventive jolly jovial joyful keen kind lively loyal lucid lucky
  mellow merry mighty modest musing neat nimble noble patient peaceful placid playful pleasant polite prompt proud
  quick quiet quirky radiant ready relaxed rested robust serene sharp silent sincere skilful smart smooth snug
  spirited stable steady sturdy sunny swift tender thorough tidy tranquil trusty upbeat valiant vibrant vigilant
  vivid warm wise witty wondrous zealous zesty`);

const SURNAMES = words(`
  abel agnesi airy albattani alhazen allen ampere anning archimedes aristarchus aryabhata avogadro babbage backus
  banach banneker bardeen bayes becquerel bell bernoulli berzelius bessel bhabha bhaskara bohr boltzmann boole borlaug
  bose boyle brahe brahmagupta brunel burbidge cannon cantor cardano carnot carson cauchy cavendish cerf chandrasekhar
  chebyshev chu clarke coulomb crick curie cuvier dalton darwin davy dedekind descartes diesel dijkstra dirac
  doppler edison einstein elion emeagwali engelbart eratosthenes erdos euclid euler faraday fermat fermi
  feynman fibonacci fleming foucault fourier franklin fresnel galileo galois galvani gauss geiger germain gibbs
  gilbert goddard godel goodall grothendieck hahn halley hamilton hamming harvey hawking heaviside heisenberg helmholtz
  henry herschel hertz hilbert hipparchus hodgkin hooke hopper hubble humboldt hutton huygens hypatia jacobi
  jacquard jemison jenner johnson joliot joule karle kelvin kepler khayyam khwarizmi knuth koch kovalevskaya
  lagrange lamarr lamport laplace lavoisier leakey leavitt leeuwenhoek leibniz lie linnaeus liskov lister lorentz lovelace
  lumiere lyell mach malthus mandelbrot marconi maxwell mayer mcclintock meitner mendel mendeleev mercator michelson
  minkowski mirzakhani moivre moore morse nash neumann newcomen newton nightingale nobel noether noyce ohm oppenheimer
  oersted papin pascal pasteur pauli pauling pavlov payne peano penrose planck poincare poisson priestley
  ptolemy pythagoras raman ramanujan rayleigh riemann ritchie roentgen rutherford sagan salk sanger schrodinger
  seaborg shannon siemens snell somerville stephenson stokes swirles sylvester tesla thales thompson torricelli tu
  turing varahamihira volta wallace watt weber wegener wiener wiles wilkes wing wright wu yalow yonath young zuse`);

/** Makes `adjective_surname`; `pick(n)` gives an integer in [0, n). */
export function containerName(pick: (n: number) => number): string {
  return `${ADJECTIVES[pick(ADJECTIVES.length)]}_${SURNAMES[pick(SURNAMES.length)]}`;
}

/** How many different names there are. */
export const NAME_COUNT = ADJECTIVES.length * SURNAMES.length;
