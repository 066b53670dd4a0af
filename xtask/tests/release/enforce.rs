//! Rules: whom a plan hits, everything that it refuses, and that nothing but a plan that passed is signed.

mod attacks;
mod crash;
mod impact;
mod refusals;
mod reports;
mod stage;
mod withdraw;
