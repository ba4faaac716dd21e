//! The whole, from outside: one binary, one file a concern.

#[cfg(test)]
mod authors;
#[cfg(test)]
mod border;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod load;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod offline;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod traffic;
#[cfg(test)]
mod windows;
