// Package part seals what tenon.Main and tenon.Open take: pipelines and flavors.
package part

// Seal is the parameter type that only this module can name.
type Seal struct{}

// Part is a *pipeline.Pipeline or a component.Flavor.
type Part interface{ Part(Seal) }
