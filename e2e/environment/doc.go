// Package environment runs whole programs where the machine fails them: on a full disk, on one that is only read, with too few files, with
// clocks that disagree, on copies of a state directory in use, and with its power cut. Each time they say clearly what is wrong or do the
// right thing, and once it is mended the run goes on to what it comes to undisturbed.
//
// The tests mount small disks. They do so in a mount namespace of their own, so that nothing is left of them. Power is cut on a loop device, for
// which one has to be root. TENON_E2E_ROUNDS makes the tests longer.
package environment
