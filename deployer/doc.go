// Package deployer is the component kind that puts models behind prediction endpoints.
//
// A [Deployer] holds named deployments. [Deployer.Deploy] says what a deployment should be, and returns at once with what it is:
// it makes one, rolls out a change, or does nothing if nothing changed, so that a step that is retried deploys once.
package deployer
