// Package workerrpc carries the worker protocol between processes: [Serve] offers a worker.Host on a unix socket, or on
// loopback where there is none, and [Connect] is that Host again for the worker.
//
// The protocol is the protobuf service tenon.worker.v1.WorkerService in proto/, spoken with Connect. Claim is a stream: first the
// assignment with the [Job], then, if it comes to that, the request to stop. It stays open while the attempt runs. Its end without a Finish
// tells the worker that the engine is gone, and the engine that the worker is: nobody waits for a timeout. Beat and Finish are calls of
// their own, so that a step costs at most three round trips.
//
// Every request carries the token of the run. It is in a file that only the user can read, and its bearer can claim, beat and finish
// the attempts of that run, nothing else.
package workerrpc
